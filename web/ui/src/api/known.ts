/**
 * Words of the server and what the page has for each. The compiler asks for every word of the API's description; at run
 * time a server that was updated while the page stood open may say one that the page has never heard. Pure.
 */

/** What a table has for a word; undefined: the word is newer than this page. */
export function known<Word extends string, Value>(table: Readonly<Record<Word, Value>>, word: Word): Value | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
