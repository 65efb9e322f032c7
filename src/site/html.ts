/** HTML by template: what is put in is escaped, unless it is HTML already. */

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Fragment = Html | string | number | undefined | false | readonly Fragment[];

/** Text and attributes in quotes alike are escaped; nothing may stand in an attribute without quotes, in a script or a style. */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  let text = strings[0] as string;
  for (const [position, value] of values.entries()) text += render(value) + strings[position + 1];
  return new Html(text);
}

/** HTML that is known to be safe: a constant, or sanitised. */
export function trusted(text: string): Html {
  return new Html(text);
}

function render(value: Fragment): string {
  if (value instanceof Html) return value.text;
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeText(value);
  return typeof value === 'number' ? String(value) : value.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
