// The document as it is served is AsyncAPI 3.0, by the word of AsyncAPI's own parser, and its
// examples are what its schemas say.
import assert from 'node:assert/strict';
import { DiagnosticSeverity, Parser } from '@asyncapi/parser';
import Ajv from 'ajv';
import { run, url } from './support.mjs';

/** Advice that is not followed, and why. */
const WAIVED = new Set([
  // A newer minor version is no reason to leave the one that tools read.
  'asyncapi-latest-version',
]);

const told = ({ code, message, path }) => `${code} at ${path.join('/')}: ${message}`;

/** Every example of every message, against the schemas that its message has. */
function checkExamples(document) {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'doc', components: document.components });
  const check = (schema, value, what) => {
    const text = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"doc#/');
    const validate = ajv.compile(JSON.parse(text));
    assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
  };
  let count = 0;
  for (const [name, channel] of Object.entries(document.channels)) {
    for (const [key, message] of Object.entries(channel.messages)) {
      const what = `${name} ${key}`;
      assert.ok(message.examples?.length > 0, `${what} has no example`);
      for (const example of message.examples) {
        if (message.headers) check(message.headers, example.headers, `${what} headers`);
        if (message.payload) check(message.payload, example.payload, `${what} payload`);
        count += 1;
      }
    }
  }
  return count;
}

await run(async () => {
  const response = await fetch(`${url}/asyncapi.json`);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const text = await response.text();
  const { document, diagnostics } = await new Parser().parse(text);
  const errors = diagnostics.filter(({ severity }) => severity === DiagnosticSeverity.Error);
  assert.deepEqual(errors.map(told), []);
  const advice = diagnostics.filter(({ code }) => !WAIVED.has(code));
  assert.deepEqual(advice.map(told), []);
  assert.equal(document.version(), '3.0.0');
  console.log('examples', checkExamples(JSON.parse(text)));
});
