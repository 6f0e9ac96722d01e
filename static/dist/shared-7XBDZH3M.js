import{b as a,c as b,d as c}from"./shared-IYFNSRKZ.js";import"./shared-TC7SPU7V.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
