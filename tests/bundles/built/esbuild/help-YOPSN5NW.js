import"./chunk-SQE76S5B.js";var e=()=>document.body.append("There is no help yet: this text is loaded when somebody asks for it.");export{e as help};
