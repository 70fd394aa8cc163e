/**
 * Mantine set up once: sizes that the system has, and nothing that writes a <style> into the page.
 *
 * Must not: import a component, which would be loaded with every page: what a part starts with is data.
 */
import { createTheme, type ButtonProps, type MenuProps, type ModalProps, type PopoverProps, type SelectProps, type TextInputProps, type TooltipProps } from "@mantine/core";

const starts = <Props extends object>(defaultProps: Partial<Props>) => ({ defaultProps });

export const theme = createTheme({
  cursorType: "pointer",
  defaultRadius: 4,
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Button: starts<ButtonProps>({ variant: "default", size: "sm" }),
    // The body never scrolls here, so there is nothing to lock.
    Modal: starts<ModalProps>({ lockScroll: false, radius: 8, transitionProps: { duration: 0 }, overlayProps: { backgroundOpacity: 0.35 } }),
    Menu: starts<MenuProps>({ transitionProps: { duration: 0 }, radius: 4, shadow: "md" }),
    Popover: starts<PopoverProps>({ transitionProps: { duration: 0 } }),
    Select: starts<SelectProps>({ size: "sm", allowDeselect: false, comboboxProps: { transitionProps: { duration: 0 } } }),
    TextInput: starts<TextInputProps>({ size: "sm" }),
    Tooltip: starts<TooltipProps>({ transitionProps: { duration: 0 }, openDelay: 400 }),
  },
});
