import { title } from "./reports/engine.js";
export const menu = () => ["home", title(2026)].join(" · ");
