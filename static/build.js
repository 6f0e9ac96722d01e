/** Bundles src/ into dist/assets/, and writes the pages into dist/pages/. The same sources and pins give the same bytes. */
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { PAGES, renderPage } from './pages.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = process.argv[2] ?? `${here}dist`;
const outdir = `${dist}/assets`;
const pages = `${dist}/pages`;

await rm(dist, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
await mkdir(pages);
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: {
    ...Object.fromEntries(Object.keys(PAGES).map((name) => [name, `src/pages/${name}.js`])),
    early: 'src/lib/early-theme.js',
    page: 'src/styles/page.css',
    live: 'src/lib/live-page.js',
    public: 'src/styles/public.css',
    'preview-worker': 'src/editor/markdown/preview-worker.js',
  },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  format: 'esm',
  minify: true,
  target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  alias: {
    'style-mod': './src/editor/style-mod.js',
    'style-mod-original': './node_modules/style-mod/src/style-mod.js',
  },
});

/** The notices of every package that ended up in the bundles. */
const bundled = new Set(
  Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1])
      .filter(Boolean),
  ),
);
const notices = await Promise.all(
  [...bundled].sort().map(async (name) => {
    const folder = `${here}node_modules/${name}`;
    const { version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? (await readFile(`${folder}/${file}`, 'utf8')).replaceAll('\r\n', '\n').trim() : '';
    return `${name} ${version} (${license})\n\n${text}\n`;
  }),
);
await writeFile(`${outdir}/licenses.txt`, notices.join(`\n${'-'.repeat(80)}\n\n`));
await copyFile(`${here}src/styles/favicon.svg`, `${outdir}/favicon.svg`);
for (const name of await readdir(`${here}src/icons`)) await copyFile(`${here}src/icons/${name}`, `${outdir}/${name}`);

/** @param {'base64' | 'hex'} encoding @param {(string | Buffer)[]} parts */
const hashOf = (encoding, ...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest(encoding);

/** The address of a file, with a hash of its content where its name has none. @param {string} name */
async function addressOf(name) {
  if (name.startsWith('shared-')) return `/static/${name}`;
  return `/static/${name}?v=${hashOf('hex', await readFile(`${outdir}/${name}`)).slice(0, 12)}`;
}
const addresses = Object.fromEntries(
  await Promise.all(
    ['page.css', 'early.js', ...Object.keys(PAGES).map((name) => `${name}.js`)].map(async (name) => [
      name,
      await addressOf(name),
    ]),
  ),
);

/** What pages load, at once or later. @param {string[]} entries */
function filesOf(entries) {
  const found = new Set(entries);
  for (const name of found) {
    const [, output] = Object.entries(metafile.outputs).find(([path]) => path.endsWith(`/${name}`)) ?? [];
    for (const { path, external } of output?.imports ?? []) if (!external) found.add(path.split('/').at(-1) ?? '');
  }
  return [...found].sort();
}

/** The pages that start without a network, and the addresses at which the server has them. */
const KEPT_PAGES = { index: '/', document: '/d/', offline: '/offline' };
const scripts = filesOf(Object.keys(KEPT_PAGES).map((name) => `${name}.js`));
const kept = await Promise.all(
  [...scripts, 'page.css', 'early.js', 'preview-worker.js', 'favicon.svg'].map(async (name) => {
    // Files that others than the pages refer to have no hash in their address.
    const address = addresses[name] ?? `/static/${name}`;
    return [address, `sha256-${hashOf('base64', await readFile(`${outdir}/${name}`))}`];
  }),
);
const render = (/** @type {string} */ name, /** @type {string} */ id) =>
  renderPage(name, `${here}src/pages`, { addresses, build: id });
const drafts = await Promise.all(Object.keys(KEPT_PAGES).map((name) => render(name, '')));
const id = hashOf('hex', JSON.stringify(kept), ...drafts).slice(0, 16);
for (const name of Object.keys(PAGES)) await writeFile(`${pages}/${name}.html`, await render(name, id));
for (const [name, address] of Object.entries(KEPT_PAGES))
  kept.push([address, `sha256-${hashOf('base64', await readFile(`${pages}/${name}.html`))}`]);
await build({
  absWorkingDir: here,
  entryPoints: ['src/worker/service-worker.js'],
  outfile: `${dist}/sw.js`,
  minify: true,
  target: ['es2022'],
  charset: 'utf8',
  logLevel: 'warning',
  define: { 'globalThis.BUILT_FILES': JSON.stringify(kept), 'globalThis.BUILD': JSON.stringify(id) },
});

for (const name of (await readdir(outdir)).sort()) {
  const bytes = await readFile(`${outdir}/${name}`);
  console.log(
    `${name.padEnd(18)} ${(bytes.length / 1024).toFixed(1).padStart(7)} KiB  gzip ${(gzipSync(bytes).length / 1024).toFixed(1).padStart(6)} KiB`,
  );
}
