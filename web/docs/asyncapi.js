"use strict";

const main = document.getElementById("live");
let api;

/** An element with attributes and children; a text is put in as text, never as markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

/** A description: `like this` is code. */
function prose(text) {
  const pieces = (text ?? "").split("\n\n")[0].split("`");
  return pieces.map((piece, index) => (index % 2 ? make("code", {}, piece) : piece));
}

/** What a reference within the document leads to. */
function resolve(value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((found, name) => found?.[name], api);
}

const lastName = (reference) => reference.$ref.split("/").pop();
const anchor = (channel, message) => `${channel}-${message}`;

/** A table; each row is a list of cells, each cell a list of nodes. */
function table(titles, rows) {
  const head = make("thead", {}, make("tr", {}, titles.map((title) => make("th", {}, title))));
  const body = rows.map((cells) =>
    make("tr", {}, cells.map((cell, index) =>
      index ? make("td", { "data-label": titles[index] }, cell) : make("th", { scope: "row" }, cell))));
  return make("table", {}, head, make("tbody", {}, body));
}

function kindOf(schema) {
  if (schema.const) return JSON.stringify(schema.const);
  if (schema.enum && schema.enum.length < 5) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  const kinds = [schema.type ?? "any"].flat().filter((kind) => kind !== "null");
  return kinds.join(" or ") + (schema.format ? ` (${schema.format})` : "");
}

/** The alternatives that a schema allows, each as a list of the schemas that it is made of. */
function alternatives(schema) {
  const found = resolve(schema);
  const choice = (found.oneOf ?? found.anyOf)?.filter((one) => one.type !== "null");
  if (choice) return choice.flatMap(alternatives);
  if (!found.allOf) return [[found]];
  return found.allOf.reduce(
    (whole, part) => whole.flatMap((left) => alternatives(part).map((right) => [...left, ...right])),
    [[]],
  );
}

/** Rows for the members of an object and of the objects in it. */
function memberRows(parts, path = "") {
  return parts.flatMap((part) =>
    Object.entries(part.properties ?? {}).flatMap(([name, member]) => {
      const found = resolve(member);
      const isNeeded = part.required?.includes(name);
      const isList = found.type === "array" || found.type?.[0] === "array";
      const inner = isList ? found.items : found;
      const full = path + name;
      const row = [
        [make("code", {}, full), isNeeded ? make("span", { class: "needed" }, " required") : null],
        make("span", { class: "kind" }, isList ? `array of ${kindOf(resolve(inner))}` : kindOf(found.type ? found : { type: "object" })),
        prose(member.description ?? found.description),
      ];
      const isObject = resolve(inner).type === "object" || resolve(inner).allOf || resolve(inner).oneOf;
      const below = isObject ? memberRows(alternatives(inner)[0], `${full}${isList ? "[]" : ""}.`) : [];
      return [row, ...below];
    }));
}

function members(title, schema) {
  if (!schema) return [];
  const all = alternatives(schema).map((parts) => memberRows(parts)).filter((rows) => rows.length > 0);
  if (all.length === 0) return [make("p", {}, `${title}: `, prose(resolve(schema).description))];
  return all.flatMap((rows, index) => [
    make("h5", {}, index ? `${title}, or` : title),
    table(["name", "type", "meaning"], rows),
  ]);
}

/** An example as it goes over the wire. */
function wire(message, example) {
  const body = example.payload;
  const json = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body, null, 2);
  if (!example.headers) return json;
  const lines = Object.entries(example.headers).map(([name, value]) => `${name}:${value}`);
  if (message.headers?.properties?.destination || message.name === message.name.toUpperCase()) {
    return [message.name, ...lines, "", `${json}^@`].join("\n");
  }
  return [...lines, `data:${JSON.stringify(body)}`, ""].join("\n");
}

function messageBox(channelKey, reference) {
  const key = lastName(reference);
  const message = resolve(reference);
  const examples = (message.examples ?? []).map((example) => make("pre", { tabindex: "0" }, wire(message, example)));
  return make("details", { id: anchor(channelKey, key), class: "message" },
    make("summary", {}, make("code", {}, message.title), " ", prose(message.summary)),
    members("Headers", message.headers),
    members("Body", message.payload),
    examples.length ? make("h5", {}, examples.length > 1 ? "Examples" : "Example") : null,
    examples);
}

function replyLine(reply) {
  if (!reply) return null;
  const channel = lastName(reply.channel);
  const links = reply.messages.flatMap((reference, index) => {
    const link = make("a", { href: `#${anchor(channel, lastName(reference))}` }, resolve(reference).title);
    return index ? [" or ", link] : [link];
  });
  return make("p", {}, "Answered with ", links, ".");
}

function operationPart(channelKey, operation) {
  const isClient = operation.action === "receive";
  return make("section", { class: "operation" },
    make("h4", {},
      make("span", { class: isClient ? "who" : "who server" }, isClient ? "client sends" : "server sends"),
      operation.title),
    make("p", {}, prose(operation.description)),
    operation.messages.map((reference) => messageBox(channelKey, reference)),
    replyLine(operation.reply));
}

function channelPart(key, channel) {
  const operations = Object.values(api.operations).filter((operation) => lastName(operation.channel) === key);
  const parameters = Object.entries(channel.parameters ?? {}).map(([name, parameter]) =>
    [make("code", {}, name), prose(parameter.description), parameter.examples?.join(", ") ?? ""]);
  return make("article", { id: key, class: "channel" },
    make("h3", {}, make("code", {}, channel.title)),
    make("p", {}, prose(channel.description)),
    parameters.length ? table(["parameter", "meaning", "for example"], parameters) : null,
    operations.map((operation) => operationPart(key, operation)));
}

const channelsOf = (group) =>
  Object.entries(api.channels).filter(([, channel]) => channel.tags.some((tag) => tag.name === group.name));

function groupPart(group) {
  return make("section", { class: "door" },
    make("h2", {}, group.name),
    make("p", {}, prose(group.description)),
    channelsOf(group).map(([key, channel]) => channelPart(key, channel)));
}

function indexPart() {
  return make("div", { class: "index" }, api.info.tags.map((group) =>
    make("section", {},
      make("h3", {}, group.name),
      make("ul", {}, channelsOf(group).map(([key, channel]) =>
        make("li", {}, make("a", { href: `#${key}` }, channel.title)))))));
}

function serversPart() {
  const rows = Object.values(api.servers).map((server) => {
    const host = server.host.replace(/\{(\w+)\}/, (_, name) => server.variables[name].default);
    return [
      server.title,
      make("code", {}, `${server.protocol}://${host}${server.pathname ?? ""}`),
      prose(server.description),
      server.security.map(lastName).join(", "),
    ];
  });
  const schemes = Object.entries(api.components.securitySchemes).map(([name, scheme]) =>
    [make("code", {}, name), scheme.type, prose(scheme.description)]);
  return [
    make("h2", {}, "Where"), table(["door", "address", "", "who one is"], rows),
    make("h2", {}, "Who one is"), table(["name", "kind", "meaning"], schemes),
  ];
}

function codesPart(title, schema) {
  const rows = schema["x-codes"].map((code) => [
    make("code", {}, code.name), code.text, code.retryable ? "yes" : "no", String(code.closeCode), String(code.httpStatus),
  ]);
  return [make("h3", {}, title), make("p", {}, prose(schema.description)),
    table(["code", "meaning", "retryable", "close code", "HTTP status"], rows)];
}

function show() {
  const { schemas } = api.components;
  main.replaceChildren(
    make("h1", {}, api.info.title),
    make("p", {}, prose(api.info.description.replaceAll("*", ""))),
    indexPart(),
    ...serversPart(),
    ...api.info.tags.map(groupPart),
    make("h2", { id: "codes" }, "Error codes"),
    ...codesPart("Every door", schemas.ErrorCode),
    ...codesPart("Support desk contract", schemas.DeskErrorCode),
  );
  main.setAttribute("aria-busy", "false");
  openTarget();
}

/** A link to a message opens it. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

window.addEventListener("hashchange", openTarget);

fetch("/asyncapi.json")
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`status ${response.status}`))))
  .then((found) => {
    api = found;
    show();
  })
  .catch((error) => {
    main.replaceChildren(make("p", { role: "alert" }, `The document could not be read: ${error.message}`));
    main.setAttribute("aria-busy", "false");
  });
