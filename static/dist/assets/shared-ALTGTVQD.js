import{a,b}from"./shared-RTEXUJFZ.js";import"./shared-JG7TZA3M.js";import"./shared-WG24W4KN.js";import"./shared-RZWNU2IN.js";import"./shared-UMM5QLAE.js";export{a as pickPicture,b as pictureAddress};
