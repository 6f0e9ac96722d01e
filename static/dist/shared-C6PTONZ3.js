import{b as a,c as b,d as c}from"./shared-4KGQLIAL.js";import"./shared-ELRXKP4L.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
