// Runs the networks of two JavaScript packages for compare_peers.py, which writes the images and reads the last line.
//
//     node compare_peers.mjs human|face-api IMAGES.bin SIDE N
//
// IMAGES.bin holds luma 0 to 255 as f32, N images of SIDE × SIDE.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const [, , name, file, sideText, countText] = process.argv;
const [side, count] = [Number(sideText), Number(countText)];
const bytes = readFileSync(file);
const luma = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
const image = (number) => luma.subarray(number * side * side, (number + 1) * side * side);
// Not `require.resolve`, since not every package exports its package.json.
const folder = (name) => join(import.meta.dirname, "node_modules", name);
const batchSize = 32;

async function startWasm(tf, wasm) {
  wasm.setWasmPaths(join(folder("@tensorflow/tfjs-backend-wasm"), "dist") + "/");
  await tf.setBackend("wasm");
  await tf.ready();
}

// Gray 64×64, -1 to 1; softmax inside.
async function human() {
  const tf = require("@tensorflow/tfjs");
  await startWasm(tf, require("@tensorflow/tfjs-backend-wasm"));
  const models = join(folder("@vladmandic/human"), "models");
  const description = JSON.parse(readFileSync(join(models, "emotion.json"), "utf8"));
  const [manifest] = description.weightsManifest;
  const weights = readFileSync(join(models, manifest.paths[0]));
  const network = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: description.modelTopology,
      weightSpecs: manifest.weights,
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
      format: description.format,
    }),
  );
  return (batch) => {
    const xs = tf.tidy(() => tf.tensor(batch, [batch.length / (side * side), side, side, 1]).div(127.5).sub(1));
    const ys = network.predict(xs);
    const rows = ys.arraySync();
    tf.dispose([xs, ys]);
    return rows;
  };
}

// RGB 112×112; the package itself subtracts its means.
async function faceApi() {
  const path = join(folder("@vladmandic/face-api"), "dist", "face-api.node-wasm.js");
  const faceapi = require(path);
  await startWasm(faceapi.tf, require("@tensorflow/tfjs-backend-wasm"));
  const network = faceapi.nets.faceExpressionNet;
  await network.loadFromDisk(join(folder("@vladmandic/face-api"), "model"));
  const { tf } = faceapi;
  return async (batch) => {
    const gray = tf.tensor(batch, [batch.length / (side * side), side, side, 1]);
    const xs = tf.tile(gray, [1, 1, 1, 3]);
    const ys = await network.forwardInput(new faceapi.NetInput(tf.unstack(xs)));
    const rows = await ys.array();
    tf.dispose([gray, xs, ys]);
    return rows;
  };
}

const answer = await (name === "human" ? human() : faceApi());
const all = [];
for (let first = 0; first < count; first += batchSize) {
  const n = Math.min(batchSize, count - first);
  const batch = new Float32Array(n * side * side);
  for (let i = 0; i < n; i++) batch.set(image(first + i), i * side * side);
  all.push(...(await answer(batch)));
}
console.log(JSON.stringify(all));
