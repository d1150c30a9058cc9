import { html } from "hono/html";
import { DEVICES } from "../messages.ts";
import { LANGUAGE_NAMES, LANGUAGES, type Language, TEXTS } from "./texts.ts";

type Html = ReturnType<typeof html>;

/** The page without its data, which comes by the event stream; `html` escapes every value. */
export function renderPage(language: Language, confirmTimeoutMs: number): Html {
  const texts = TEXTS[language];
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${texts.title}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/uplot.js" defer></script>
<script src="/assets/page.client.js" type="module"></script>
</head>
<body
 data-texts="${JSON.stringify(texts)}"
 data-devices="${DEVICES.join(" ")}"
 data-confirm-timeout-ms="${confirmTimeoutMs}">
<a class="skip" href="#rooms">${texts.skip}</a>
<header class="top">
<h1>${texts.title}</h1>
<div class="links" role="group" aria-label="${texts.connections}">
<span class="link" id="page-link" role="status" data-state="connecting">${texts.pageConnecting}</span>
<span class="link" id="host-link" role="status" data-state="unknown">${texts.hostUnknown}</span>
</div>
</header>
<main>
<p class="notice" id="notice" hidden></p>
<noscript><p class="notice">${texts.noScript}</p></noscript>
<section class="alerts" aria-labelledby="alerts-title">
<h2 id="alerts-title">${texts.alerts}</h2>
<p class="quiet" id="no-alerts">${texts.noAlerts}</p>
<ol class="alert-list" id="alerts" tabindex="0" aria-labelledby="alerts-title" hidden></ol>
</section>
<section class="rooms" id="rooms" tabindex="-1" aria-labelledby="rooms-title">
<h2 class="unseen" id="rooms-title">${texts.rooms}</h2>
<p class="empty" id="no-rooms">${texts.noRooms}</p>
</section>
</main>
<footer>
<nav aria-label="${texts.languages}">${LANGUAGES.map((tag) => languageLink(tag, language))}</nav>
</footer>
<div class="unseen" id="say-now" role="alert" aria-live="assertive"></div>
<div class="unseen" id="say-later" aria-live="polite"></div>
${templates(language)}
</body>
</html>
`;
}

function languageLink(tag: Language, current: Language): Html {
  const name = LANGUAGE_NAMES[tag];
  return tag === current
    ? html`<span lang="${tag}" aria-current="true">${name}</span>`
    : html`<a lang="${tag}" hreflang="${tag}" href="/?lang=${tag}">${name}</a>`;
}

/** What the scripts copy for each room, device and alert; they fill in text only, never markup. */
function templates(language: Language): Html {
  const texts = TEXTS[language];
  return html`<template id="room-template">
<article class="room">
<header><h3 class="room-name"></h3><p class="age"></p></header>
<dl class="readings">
<div class="reading temperature"><dt>${texts.temperature}</dt><dd><span class="value">–</span> <span class="unit">°C</span></dd></div>
<div class="reading humidity"><dt>${texts.humidity}</dt><dd><span class="value">–</span> <span class="unit">%</span></dd></div>
</dl>
<div class="chart" role="img" aria-label="${texts.chartEmpty}"></div>
<h4 class="unseen">${texts.devices}</h4>
<ul class="devices"></ul>
<p class="room-notice" hidden>${texts.noDeviceAgent}</p>
<div class="actions"><button class="test" type="button">${texts.testAlert}</button><span class="test-result" role="status"></span></div>
</article>
</template>
<template id="device-template">
<li class="device">
<div class="device-text"><span class="device-name"></span><span class="device-reason"></span><span class="device-problem" role="status"></span></div>
<span class="device-state" aria-hidden="true"></span>
<button class="switch" type="button" role="switch" aria-checked="false"><span class="knob"></span></button>
</li>
</template>
<template id="alert-template">
<li class="alert"><p class="alert-head"><strong class="alert-kind"></strong> <span class="alert-room"></span> <time class="alert-time"></time></p><p class="alert-message"></p></li>
</template>`;
}
