/**
 * Which entries Helm 3.6.3 can live with.
 *
 * Its `helm chart list` takes every entry that has a name, parses the name, reads the manifest, insists on exactly one layer
 * of type `application/tar+gzip`, and unpacks that as a chart. If one entry fails, the whole list does, and so entries that
 * would fail have their name where Helm does not look.
 */
import type { ImageIndex, ImageManifest } from '../oci/manifest.js';
import { CHART_CONFIG, CHART_LAYER_LEGACY, OCI_MANIFEST } from '../oci/media-types.js';

/** True for a chart under a name that both are as Helm 3.6.3 expects them. */
export function isForHelm(name: string, manifest: ImageManifest | ImageIndex | undefined): boolean {
  return manifest !== undefined && isReadable(manifest) && isParsable(name);
}

/** The config type is not looked at by Helm, but says that an archive in that one layer is meant to be a chart. */
function isReadable(manifest: ImageManifest | ImageIndex): boolean {
  if (manifest.kind !== 'manifest' || manifest.mediaType !== OCI_MANIFEST) return false;
  const [layer, ...more] = manifest.layers;
  const isOneLayer = layer !== undefined && more.length === 0 && layer.size > 0;
  return isOneLayer && layer.mediaType === CHART_LAYER_LEGACY && manifest.config.mediaType === CHART_CONFIG;
}

/**
 * Helm cuts a name at its colons. If a number follows the first one, it is a port, also where it is the tag: `app:20210304` is
 * a host with a port above 65535.
 */
function isParsable(name: string): boolean {
  if (!/^[A-Za-z0-9][A-Za-z0-9._/+:-]*$/.test(name)) return false;
  const [first = '', second, ...rest] = name.split(':');
  if (first === '' || rest.length > 1) return false;
  if (second === undefined) return true;
  const [port = ''] = second.split('/');
  if (!/^[+-]?\d+$/.test(port)) return rest.length === 0 && second !== '' && !second.includes('/');
  return /^(?:0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 65535 && rest[0] !== '';
}
