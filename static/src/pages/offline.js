/** The page that stands in the place of pages that need the server. */
import { $ } from '../lib/dom.js';
import { bindThemeButton } from '../lib/theme.js';

bindThemeButton($('theme'));
const again = () => location.reload();
$('again').addEventListener('click', again);
addEventListener('online', again);
