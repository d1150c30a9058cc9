/** @type {Readonly<Record<string, string>>} */
const texts = JSON.parse(document.body.dataset.texts ?? "{}");

export const language = document.documentElement.lang;

const clock = new Intl.DateTimeFormat(language, {
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});
const clockWithSeconds = new Intl.DateTimeFormat(language, { timeStyle: "medium", hour12: false });

/**
 * The text of a key with its `{name}` places filled in; the key itself when it has none.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function text(key, values = {}) {
  const pattern = Object.hasOwn(texts, key) ? (texts[key] ?? key) : key;
  return pattern.replaceAll(/\{(\w+)\}/g, (place, name) =>
    Object.hasOwn(values, name) ? String(values[name]) : place,
  );
}

/** @param {string} key */
export function hasText(key) {
  return Object.hasOwn(texts, key);
}

/** @param {number | string} at milliseconds since 1970, or ISO 8601 */
export function formatTime(at) {
  return clock.format(new Date(at));
}

/** @param {number} atMs */
export function formatTimeWithSeconds(atMs) {
  return clockWithSeconds.format(new Date(atMs));
}

/** @param {number} value */
export function formatDecimal(value) {
  return value.toFixed(1);
}

/**
 * A copy of what a `<template>` holds.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function copyTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (element(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {string} id @returns {HTMLElement} */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * @param {Element} parent
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(parent, selector) {
  return /** @type {HTMLElement} */ (parent.querySelector(selector));
}

/**
 * Changes a text only when it differs, so that a screen reader is not told twice.
 * @param {Element} target
 * @param {string} value
 */
export function setText(target, value) {
  if (target.textContent !== value) {
    target.textContent = value;
  }
}
