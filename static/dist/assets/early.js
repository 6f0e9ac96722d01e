(()=>{let e=null;try{e=localStorage.getItem("collab:theme")}catch{}(e==="light"||e==="dark")&&(document.documentElement.dataset.theme=e)})();
