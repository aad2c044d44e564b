/**
 * Builds the component of the plugin in the current folder: `node sprag/build.mjs [OUTPUT]`. With `--about` it only prints who the plugin is.
 *
 * Name, version and summary are those of `package.json`; the parameters' schema is that of `plugin.js`. All of it goes into the component's section `sprag:plugin`,
 * where sprag reads it without running the plugin.
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { paramsSchema } from './stage.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const CREATE = ["import { create } from 'sprag:run/artifacts@0.1.0';", '{ create }'];
const SECRET = ["import { get as getSecret } from 'sprag:run/secrets@0.1.0';", '{ getSecret }'];

/** Of each kind the world, its exports beside `plugin`, and the host's functions that the SDK calls. */
const KINDS = {
  'sanity-check': ['sanity-checker', ['sanityCheck'], CREATE],
  train: ['trainer', ['train', 'score'], CREATE],
  evaluate: ['evaluator', ['evaluate'], CREATE],
  notify: ['notifier', ['notify'], SECRET],
};

/** Who the plugin in a folder is, as the section `sprag:plugin` has it, and its kind. */
async function about(project) {
  const { name, version, description: summary } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const { default: stage } = await import(pathToFileURL(join(project, 'plugin.js')));
  if (!(stage?.kind in KINDS)) throw new TypeError('expected `plugin.js` to export a stage as its default, made by a function of `sprag/index.js`');
  return { said: { name, version, summary, 'params-schema': paramsSchema(stage) }, kind: stage.kind };
}

async function build(project, output) {
  const { said, kind } = await about(project);
  const [world, exported, [imports, functions]] = KINDS[kind];
  const { rolldown } = await import('rolldown');
  const { componentize } = await import('@bytecodealliance/componentize-js');
  const folder = dirname(output);
  const scratch = join(folder, 'made');
  mkdirSync(scratch, { recursive: true });
  try {
    const entry = join(scratch, 'entry.js');
    const path = (file) => JSON.stringify(file);
    writeFileSync(
      entry,
      `import stage from ${path(join(project, 'plugin.js'))};
import { guest } from ${path(join(HERE, 'guest.js'))};
${imports}
const made = guest(stage, ${JSON.stringify(said)}, ${functions});
${['plugin', ...exported].map((name) => `export const ${name} = made.${name};`).join('\n')}
`,
    );
    const bundle = await rolldown({ input: entry, external: /^(sprag|wasi):/, platform: 'neutral', logLevel: 'silent' });
    const sourcePath = join(scratch, 'plugin.js');
    await bundle.write({ file: sourcePath, format: 'esm' });
    await bundle.close();
    // Sockets there are none; what `fetch` sends goes through the host's own sender. Everything else of WASI is left out of the component.
    const disableFeatures = ['random', 'stdio', 'clocks', 'fetch-event', ...(kind === 'notify' ? [] : ['http'])];
    const { component } = await componentize({ sourcePath, witPath: contract(scratch), worldName: world, disableFeatures });
    writeFileSync(output, Buffer.concat([component, section('sprag:plugin', JSON.stringify(said))]));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The folder of the WIT packages: beside this file, or laid out from the repository that it stands in. */
function contract(scratch) {
  if (existsSync(join(HERE, 'wit'))) return join(HERE, 'wit');
  const [from, to] = [resolve(HERE, '../../../wit'), join(scratch, 'wit')];
  for (const [source, target] of [['stage', to], ['data', join(to, 'deps/data')], ['linalg', join(to, 'deps/linalg')], ['run', join(to, 'deps/run')]]) {
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(join(from, source))) copyFileSync(join(from, source, file), join(target, file));
  }
  return to;
}

/** A custom section of WebAssembly, to be appended to a binary: its id 0, its size, its name, and the data. */
function section(name, data) {
  const sized = (content) => {
    const size = [];
    let number = content.length;
    for (; number > 127; number >>= 7) size.push((number & 127) | 128);
    return Buffer.concat([Buffer.from([...size, number]), content]);
  };
  return Buffer.concat([Buffer.from([0]), sized(Buffer.concat([sized(Buffer.from(name)), Buffer.from(data)]))]);
}

if (process.argv[2] === '--about') console.log(JSON.stringify((await about(process.cwd())).said, null, 2));
else await build(process.cwd(), resolve(process.argv[2] ?? 'build/plugin.wasm'));
