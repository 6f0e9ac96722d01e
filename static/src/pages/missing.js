/** The page of addresses at which there is nothing. */
import { $ } from '../lib/dom.js';
import { bindThemeButton } from '../lib/theme.js';

bindThemeButton($('theme'));
