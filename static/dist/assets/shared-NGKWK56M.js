import{a,b}from"./shared-JQFAKMNI.js";import"./shared-HAHEQFHG.js";import"./shared-5BWT4UIN.js";import"./shared-RZWNU2IN.js";import"./shared-UMM5QLAE.js";export{a as pickPicture,b as pictureAddress};
