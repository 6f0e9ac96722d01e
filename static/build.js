/** Bundles src/ into dist/assets/, and writes the pages into dist/pages/. The same sources and pins give the same bytes. */
import { build } from 'esbuild';
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
for (const name of Object.keys(PAGES))
  await writeFile(`${pages}/${name}.html`, await renderPage(name, `${here}src/pages`));

for (const name of (await readdir(outdir)).sort()) {
  const bytes = await readFile(`${outdir}/${name}`);
  console.log(
    `${name.padEnd(18)} ${(bytes.length / 1024).toFixed(1).padStart(7)} KiB  gzip ${(gzipSync(bytes).length / 1024).toFixed(1).padStart(6)} KiB`,
  );
}
