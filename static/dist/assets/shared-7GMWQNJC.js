async function e(n){for(let t=1e3;;t=Math.min(3e4,t*2))try{return await n()}catch(r){if(!(r instanceof TypeError))throw r;await new Promise(o=>{setTimeout(o,t)})}}export{e as a};
