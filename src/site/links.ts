/** True for an address that a link may lead to: of a web page, or of a mailbox. */
export function isWebAddress(text: string): boolean {
  return /^(?:https?:\/\/|mailto:)[^\s"'<>]+$/i.test(text) && URL.canParse(text);
}
