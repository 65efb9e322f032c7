/** Content that Helm's libraries refuse, in their words. Where it came from is for the caller to add. */
export class ContentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ContentError';
  }
}
