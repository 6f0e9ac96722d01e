import{b as a,c as b,d as c}from"./shared-SGWN6WRN.js";import"./shared-MM6XW5UW.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
