/* Chooses the theme before the first paint, which a module would come too late for. */
"use strict";
{
  const KEY = "dateline.theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = localStorage.getItem(KEY);
  if (chosen) document.documentElement.dataset.theme = chosen;

  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const show = () => document.getElementById("theme-toggle").setAttribute("aria-pressed", String(isDark()));

  document.addEventListener("DOMContentLoaded", () => {
    show();
    dark.addEventListener("change", show);
    document.getElementById("theme-toggle").addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      localStorage.setItem(KEY, next);
      show();
    });
  });
}
