/** The page of addresses at which there is nothing. */
import { $ } from './dom.js';
import { bindThemeButton } from './theme.js';

bindThemeButton($('theme'));
