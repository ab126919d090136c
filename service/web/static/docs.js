// Starts Swagger UI on the document of this service, in the colours that the browser prefers.

const dark = matchMedia("(prefers-color-scheme: dark)");

function colour() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

colour();
dark.addEventListener("change", colour);

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  // What a request looks like is of more use than the names of the schemas.
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // It would send the document to a server of Swagger's.
  validatorUrl: null,
  // Kept by static/token.js, which a script of this kind cannot import.
  requestInterceptor: (request) => {
    const token = sessionStorage.getItem("infer.token");
    if (token) request.headers.Authorization = `Bearer ${token}`;
    return request;
  },
});
