// What pages do beside links and forms: copying, keys, words for screen readers, one sound at a time.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const said = (text) => { by("said").textContent = ""; setTimeout(() => { by("said").textContent = text; }, 50); };

  // -- copying. The clipboard's own interface is for https and this machine only; elsewhere the old way.
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    const before = document.activeElement;
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (before) before.focus({ preventScroll: true });
    if (!done) throw new Error("not copied");
  };
  const copyOf = async (button) => {
    const link = button.dataset.copyLink;
    try {
      await copy(link === undefined ? button.dataset.copy : new URL(link, location.href).href);
    } catch {
      said("The browser does not allow copying here");
      return;
    }
    said("Copied");
    const icon = button.querySelector("use");
    button.classList.add("copied");
    icon.setAttribute("href", "#icon-done");
    setTimeout(() => { button.classList.remove("copied"); icon.setAttribute("href", "#icon-copy"); }, 1500);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-link]");
    if (button) copyOf(button);
    if (event.target.closest("#help-button")) help();
  });

  // -- forms: a choice draws at once; the arrows change a seed, which has more digits than numbers of a browser.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-draws]")) {
      if (event.target.id === "label") {  // another class begins at its first page, with as many as suit it
        for (const name of ["start", "n"]) if (by(name)) by(name).value = "";
      }
      event.target.form.requestSubmit();
    }
    if (event.target.id === "keys-on") localStorage.setItem("keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("[data-step]");
    const step = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    if (!field || step === undefined || !/^[0-9]{1,20}$/.test(field.value)) return;
    event.preventDefault();
    const next = BigInt(field.value) + step;
    if (next >= 0n && next < 2n ** 64n) field.value = next.toString();
  });

  // -- keys. Single letters can be switched off, for those who speak to their machine.
  const keysOn = () => localStorage.getItem("keys") !== "off";
  const help = () => { by("keys-on").checked = keysOn(); by("help").showModal(); };
  const keys = {
    s: () => { by("seed")?.focus(); by("seed")?.select(); },
    l: () => by("label")?.focus(),
    g: () => document.querySelector(".mark").click(),
    c: () => {
      const button = document.activeElement.closest(".tile, .lines li, .rows tr, .address")?.querySelector("[data-copy]");
      if (button) copyOf(button);
    },
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
    if (event.target.matches("input, select, textarea, audio, pre, .scroll, dialog *")) return;
    const link = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    const act = link ? () => link.click() : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // -- sounds: one at a time.
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);

  // -- pages that replace each other.
  document.addEventListener("htmx:configRequest", (event) => {
    const form = event.target.closest("form");
    if (!form) return;
    for (const [name, value] of [...event.detail.formData.entries()]) {  // an address says what is not as ever
      const field = form.elements.namedItem(name);
      if (value === "" || value === field?.dataset?.default) event.detail.formData.delete(name);
    }
  });
  document.addEventListener("htmx:beforeSend", (event) => {  // htmx calls it an error that a person went on before a page came
    const request = event.detail.xhr, left = request.onabort;
    request.onabort = (...given) => {
      const loud = console.error;
      console.error = () => {};
      try { left.apply(request, given); } finally { console.error = loud; }
    };
  });
  document.addEventListener("htmx:beforeRequest", () => by("main").setAttribute("aria-busy", "true"));
  document.addEventListener("htmx:afterRequest", () => by("main").removeAttribute("aria-busy"));
  document.addEventListener("htmx:afterSettle", () => {
    by("lost").hidden = true;
    said(by("main").dataset.said);
    if (document.activeElement === document.body) by("main").focus({ preventScroll: true });
  });
  document.addEventListener("htmx:sendError", () => { by("lost").hidden = false; });
})();
