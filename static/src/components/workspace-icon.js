/** The icon of a workspace, in its settings and in the header. */
import * as api from '../lib/api.js';
import { $, find } from '../lib/dom.js';
import { avatar, removeIcon, setIcon, showPicture } from '../lib/pictures.js';
import { pictureField } from './picture-field.js';

/** @import { Workspace } from '../lib/types.js' */

/** @param {unknown} address */
export function showIcon(address) {
  const swatch = find($('switcher'), '.swatch');
  if (swatch) showPicture(swatch, address);
}

/**
 * Makes the row of the settings. The workspace gets its new icon and version.
 * @param {Workspace} workspace
 */
export const iconField = (workspace) =>
  pictureField({
    title: 'Icon of the workspace',
    shown: avatar({ name: workspace.name, kind: 'large square' }),
    address: workspace.icon,
    send: async (picture) => {
      const { icon, row_version } = await setIcon(workspace.id, picture);
      Object.assign(workspace, { icon, row_version });
      return icon;
    },
    remove: async () => {
      await removeIcon(workspace.id);
      Object.assign(workspace, await api.workspace(workspace.id));
    },
    changed: showIcon,
  });
