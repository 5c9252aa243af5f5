// Each answer carries one event and ends; EventSource comes back by itself, with the last id.
const shown = document.currentScript.dataset.version;
new EventSource("events?shown=" + shown).onmessage = (event) => {
  if (event.data !== shown) location.reload();
};
