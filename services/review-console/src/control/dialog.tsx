/** A dialog: for what cannot be taken back, and for choices that are in force at once. */
import { Modal, type ModalProps } from "@mantine/core";

import { useWords } from "@/words/words";

import { words } from "./words";

export function Dialog(props: ModalProps) {
  const say = useWords(words);
  return <Modal {...props} closeButtonProps={{ "aria-label": say("close") }} />;
}
