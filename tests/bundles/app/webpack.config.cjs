module.exports = {
  mode: "production",
  entry: { index: "./src/index.js" },
  experiments: { css: true },
  output: { path: `${__dirname}/webpack` },
  optimization: { splitChunks: { chunks: "all", minSize: 0, cacheGroups: { vendor: { test: /node_modules/, name: "vendor" } } } },
  stats: { chunkModules: false, optimizationBailout: false, usedExports: false, providedExports: false },
};
