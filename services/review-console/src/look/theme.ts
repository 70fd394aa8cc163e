/**
 * Mantine set up once: sizes that the system has, and nothing that writes a <style> into the page.
 */
import { Button, createTheme, Menu, Modal, Popover, Select, TextInput, Tooltip } from "@mantine/core";

export const theme = createTheme({
  cursorType: "pointer",
  defaultRadius: 4,
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { variant: "default", size: "sm" } }),
    // The body never scrolls here, so there is nothing to lock.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, radius: 8, transitionProps: { duration: 0 }, overlayProps: { backgroundOpacity: 0.35 } } }),
    Menu: Menu.extend({ defaultProps: { transitionProps: { duration: 0 }, radius: 4, shadow: "md" } }),
    Popover: Popover.extend({ defaultProps: { transitionProps: { duration: 0 } } }),
    Select: Select.extend({ defaultProps: { size: "sm", allowDeselect: false, comboboxProps: { transitionProps: { duration: 0 } } } }),
    TextInput: TextInput.extend({ defaultProps: { size: "sm" } }),
    Tooltip: Tooltip.extend({ defaultProps: { transitionProps: { duration: 0 }, openDelay: 400 } }),
  },
});
