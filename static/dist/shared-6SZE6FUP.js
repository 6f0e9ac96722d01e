import{b as a,c as b,d as c}from"./shared-5HLGGDAC.js";import"./shared-G2UYIOPZ.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
