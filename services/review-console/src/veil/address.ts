import { useEffect, useMemo } from "react";

/** An address for a blob, let go of with it; an address is itself. */
export function useAddress(data: Blob | string | undefined): string | null {
  const url = useMemo(() => (data === undefined ? null : typeof data === "string" ? data : URL.createObjectURL(data)), [data]);
  useEffect(() => (url === null || typeof data === "string" ? undefined : () => URL.revokeObjectURL(url)), [url, data]);
  return url;
}
