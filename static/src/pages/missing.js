/** The page of addresses at which there is nothing. */
import { startPage } from '../components/page-header.js';

startPage(() => {}, { whenSignedOut: () => {} });
