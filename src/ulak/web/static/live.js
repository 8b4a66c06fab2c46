// A form that can be answered live says so. Without this script its answer is one whole page.
"use strict";
for (const form of document.querySelectorAll("form[data-live]")) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "live";
  field.value = "1";
  form.append(field);
}
