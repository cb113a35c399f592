// Writes src/generated.ts: the types of all that is said on the live doors (asyncapi.json) and of the REST API
// (openapi.json). `--check` writes nothing and fails when the file is stale. It needs nothing but Node.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const API = '/api/v1';
const JSON_TYPES = ['application/json', 'application/problem+json'];

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const document = (name) => JSON.parse(readFileSync(here(`../../../docs/reference/${name}`), 'utf8'));

/** Names behind `#/components/schemas/`. */
const nameOf = (reference) => reference.split('/').at(-1);

const indent = (text) => text.replaceAll('\n', '\n  ');

/** A comment in front of a declaration, or nothing. */
function comment(text) {
  if (!text) return '';
  const lines = text.trim().replaceAll('*/', '*\\/').split('\n');
  if (lines.length === 1) return `/** ${lines[0]} */\n`;
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
}

const union = (parts) => {
  const distinct = [...new Set(parts)];
  return distinct.includes('unknown') ? 'unknown' : distinct.join(' | ');
};

const enclosed = (type) => (type.includes(' | ') || type.includes(' & ') ? `(${type})` : type);

/** Says nothing about the value but that it is an object: the part of an `allOf` that only has a description. */
const isBare = (schema) =>
  schema.type === 'object' && !schema.properties && !schema.additionalProperties && !schema.$ref;

/** A JSON Schema as a TypeScript type. */
function typeOf(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.allOf) {
    const parts = schema.allOf.filter((part) => !isBare(part)).map(typeOf);
    return [...new Set(parts)].map(enclosed).join(' & ') || 'unknown';
  }
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) {
    // What is flattened into an object and may be absent.
    const real = alternatives.filter((part) => !isBare(part)).map(typeOf);
    return real.length < alternatives.length ? `Partial<${union(real)}>` : union(real);
  }
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type })));
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array':
      return `${enclosed(typeOf(schema.items ?? {}))}[]`;
    case 'object':
      return objectType(schema);
    default:
      return 'unknown';
  }
}

function objectType({ properties, required = [], additionalProperties }) {
  // An object of which nothing is known stands for any JSON.
  if (!properties) return additionalProperties ? `Record<string, ${typeOf(additionalProperties)}>` : 'unknown';
  const members = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : '?';
    return indent(`\n${comment(schema.description)}${name}${optional}: ${typeOf(schema)};`);
  });
  return `{${members.join('')}\n}`;
}

function declaration(name, schema) {
  return `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`;
}

/** All names that a schema leads to, itself included. */
function reach(names, schemas) {
  const found = new Set();
  const visit = (value) => {
    if (value === null || typeof value !== 'object') return;
    if (typeof value.$ref === 'string') follow(nameOf(value.$ref));
    Object.values(value).forEach(visit);
  };
  const follow = (name) => {
    if (found.has(name)) return;
    found.add(name);
    if (!schemas[name]) throw new Error(`no schema ${name}`);
    visit(schemas[name]);
  };
  names.forEach(follow);
  return found;
}

/** The payloads of every channel whose messages are JSON. */
function payloads(asyncapi) {
  const messages = Object.values(asyncapi.channels).flatMap((channel) => Object.values(channel.messages));
  return messages.flatMap(({ payload }) => (payload?.$ref ? [nameOf(payload.$ref)] : []));
}

const bodyOf = (content) => {
  const [type, media] = Object.entries(content ?? {})[0] ?? [];
  if (type === undefined) return undefined;
  return JSON_TYPES.includes(type) ? media.schema ?? {} : { blob: type };
};

/** One route: its parameters, what is sent and what comes. */
function route(method, path, operation) {
  const parameters = (operation.parameters ?? []).filter((one) => one.in !== 'header');
  const members = parameters.map(({ name, schema, required, description }) => {
    const type = union(typeOf(schema).split(' | ').filter((part) => part !== 'null'));
    return indent(`\n${comment(description)}${name}${required ? '' : '?'}: ${type};`);
  });
  const answers = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
  const answer = answers.map(([, { content }]) => bodyOf(content));
  const type = (body) => (body === undefined ? 'undefined' : body.blob ? 'Blob' : typeOf(body));
  const sent = operation.requestBody ? type(bodyOf(operation.requestBody.content)) : 'undefined';
  const fields = [
    `params: ${members.length === 0 ? '{}' : `{${members.join('')}\n}`};`,
    `body: ${sent};`,
    `answer: ${union(answer.map(type)) || 'undefined'};`,
  ];
  const text = [operation.summary, operation.description].filter(Boolean).join('\n\n');
  return indent(`\n${comment(text)}${JSON.stringify(`${method.toUpperCase()} ${path}`)}: {\n  ${fields.map(indent).join('\n  ')}\n};`);
}

function routes(openapi) {
  const all = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const isStream = ({ operation }) =>
    Object.values(operation.responses).some(({ content }) => content?.['text/event-stream']);
  // Not those of the host's back end, which have keys.
  const isOfUsers = ({ operation }) => (operation.security ?? openapi.security).some((scheme) => scheme.token);
  return all.filter((one) => one.path.startsWith(`${API}/`) && !isStream(one) && isOfUsers(one));
}

/** The whole file. */
export function generate(asyncapi, openapi) {
  const ours = routes(openapi);
  const live = reach([...payloads(asyncapi), 'ClientCommand', 'ServerEvent', 'ErrorCode'], asyncapi.components.schemas);
  const references = JSON.stringify(ours).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  const rest = reach([...references].map(([, name]) => name), openapi.components.schemas);
  // What both documents have is the same type in the server's code.
  const schemas = { ...openapi.components.schemas, ...asyncapi.components.schemas };
  const names = [...new Set([...live, ...rest])].sort();
  const table = ours.map(({ method, path, operation }) => route(method, path.slice(API.length), operation));
  return [
    '// Generated from docs/reference/asyncapi.json and openapi.json by scripts/generate.mjs. Do not edit.\n',
    ...names.map((name) => declaration(name, schemas[name])),
    `/** The routes of the REST API below \`${API}\` that users' tokens open, by method and path. */\nexport interface Routes {${table.join('')}\n}\n`,
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = here('../src/generated.ts');
  const text = generate(document('asyncapi.json'), document('openapi.json'));
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) {
    console.error('src/generated.ts is stale: npm run generate');
    process.exit(1);
  }
}
