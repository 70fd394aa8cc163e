/** A moment that is selected by itself is copied whole, as ISO 8601 in UTC: what is shown is of one's own zone. */
function momentAround(node: Node | null): HTMLTimeElement | null {
  const element = node instanceof Element ? node : (node?.parentElement ?? null);
  return element?.closest("time") ?? null;
}

export function copyMomentsWhole(): void {
  document.addEventListener("copy", (event) => {
    const selection = document.getSelection();
    if (selection === null || selection.isCollapsed || event.clipboardData === null) return;
    const range = selection.getRangeAt(0);
    const moment = momentAround(range.commonAncestorContainer);
    if (moment === null || Number.isNaN(Date.parse(moment.dateTime))) return;
    event.clipboardData.setData("text/plain", new Date(moment.dateTime).toISOString());
    event.preventDefault();
  });
}
