export const format = (text) => text.trim().toUpperCase();
export const unused = () => "nobody calls this, so that it is dropped from what is built";
