import dayjs from "dayjs";
import { format } from "../format.js";
export const title = (year) => format(`Report of ${dayjs(new Date(year, 0)).format("YYYY")}`);
export const rows = (count) => Array.from({ length: count }, (_, n) => dayjs().add(n, "month").format("MMMM"));
