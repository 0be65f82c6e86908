import { visualizer } from "rollup-plugin-visualizer";

export default {
  plugins: [visualizer({ template: "raw-data", filename: "vite/stats.json", gzipSize: true })],
  build: {
    manifest: true,
    outDir: "vite",
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "vendor", test: /node_modules/ }] } } },
  },
};
