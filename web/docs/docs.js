"use strict";

if (window.SwaggerUIBundle) {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    // The default asks a server on the Internet whether the document is valid.
    validatorUrl: null,
  });
} else {
  document.getElementById("api").firstElementChild.textContent =
    "This server was built without the API browser (MADANG_SKIP_WEB).";
}
