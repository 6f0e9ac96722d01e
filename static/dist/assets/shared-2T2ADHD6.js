var n=null;function o(e){let l=n;n=e,l!==e&&l?.()}function t(e){n===e&&(n=null)}export{o as a,t as b};
