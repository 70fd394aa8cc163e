// Following one step of the guide: what is pressed, filled in and seen is what its sentences name, and all of
// what they name is.
import assert from "node:assert/strict";

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
const CONTROLS = ["button", "link", "tab", "checkbox", "switch", "radio", "menuitem", "combobox"];

/** `named`: a step of `stepsOf`. `page` is whose page it is done on. */
export class Step {
  #named;
  #bold;
  #blocks;

  constructor(named, page) {
    this.#named = named;
    this.page = page;
    this.#bold = new Set(named.bold);
    this.#blocks = new Set(named.blocks);
  }

  /** The sentence names it. */
  #said(label) {
    assert.ok(this.#named.bold.includes(label), `${this.#named.id} does not say **${label}**`);
    this.#bold.delete(label);
    return label;
  }

  /** A control whose name begins with the label: keys stand behind it. */
  control(label, { roles = CONTROLS, within = this.page, whole = false } = {}) {
    const name = new RegExp(`^${escaped(label)}${whole ? "$" : ""}`);
    const found = roles.map((role) => within.getByRole(role, { name }));
    return found.slice(1).reduce((any, one) => any.or(one), found[0]).first();
  }

  async press(label, options) {
    await this.control(this.#said(label), options).click();
  }

  /** What is entered is in the sentence too, but what is one's own: an address, a password. */
  async fill(label, value, { own = false, field = label, within = this.page, into } = {}) {
    this.#said(label);
    this.#entered(value, own);
    // A column may have the name of a field: on the page before, while this one comes.
    const labelled = within.getByLabel(field, { exact: typeof field === "string" }).and(within.locator("input, textarea, [contenteditable=true]"));
    await (into ?? labelled.first()).fill(value);
  }

  /** One of a list, or several where the list stays open. */
  async choose(label, option, { field = label, within = this.page, filter } = {}) {
    if (label !== null) this.#said(label);
    if (!this.#named.code.includes(option)) this.#said(option);
    const list = within.getByRole("combobox", { name: field }).or(within.getByRole("textbox", { name: new RegExp(`^${field instanceof RegExp ? field.source.replace("^", "") : escaped(field)}`) })).first();
    await list.click();
    if (filter) await list.fill(option);
    await this.page.getByRole("option", { name: option, exact: true }).or(this.page.getByRole("option", { name: new RegExp(`(^|› )${escaped(option)}$`) })).first().click();
    // A list of which several can be chosen stays open.
    if (await this.page.getByRole("option").first().isVisible()) await this.page.keyboard.press("Escape");
  }

  async see(label, { within = this.page, exact = false } = {}) {
    await within.getByText(this.#said(label), { exact }).first().waitFor();
  }

  /** In the sentence, and done otherwise. */
  named(label) {
    return this.#said(label);
  }

  /** The block of the sentence, in the language. */
  block(language) {
    const found = this.#named.blocks.find((one) => one.language === language && this.#blocks.has(one));
    assert.ok(found, `${this.#named.id} has no other block of ${language}`);
    this.#blocks.delete(found);
    return found.text;
  }

  #entered(value, own) {
    if (!own) assert.ok(this.#named.code.includes(value), `${this.#named.id} does not say \`${value}\``);
  }

  /** Everything that the sentences name was there. */
  end() {
    assert.deepEqual([...this.#bold], [], `${this.#named.id} names what the script does not touch`);
    assert.deepEqual([...this.#blocks], [], `${this.#named.id} has a block that the script does not run`);
  }
}
