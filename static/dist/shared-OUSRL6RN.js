import{b as a,c as b,d as c}from"./shared-AZVK26QV.js";import"./shared-SXAKCGRE.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
