/**
 * The repositories that are here: `GET /v2/_catalog`, an addition of Distribution's that tools know.
 *
 *     {"repositories":["registry.example.com/team/app", ...]}
 */
import { answerJson, type Endpoints, type Exchange, queryOf } from './exchange.js';
import { isName, isServed } from './names.js';
import { pageOf } from './paging.js';

export const catalogEndpoints: Endpoints = { GET: listRepositories, HEAD: listRepositories };

async function listRepositories(exchange: Exchange): Promise<void> {
  const { target, names } = exchange;
  const repositories = new Set<string>();
  for await (const name of target.listRepositories()) {
    if (isName(name) && isServed(names, name)) repositories.add(name);
  }
  const { items, headers } = pageOf(repositories, '/v2/_catalog', queryOf(exchange));
  answerJson(exchange, { repositories: items }, headers);
}
