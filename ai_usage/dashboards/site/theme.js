// Light or dark before anything is painted: as chosen here before, else as the system has it.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try { return localStorage.getItem("ai-usage-theme"); } catch { return null; }
  };
  const show = (theme = kept() ?? (system.matches ? "dark" : "light")) => {
    document.documentElement.dataset.theme = theme;
    document.dispatchEvent(new Event("themechange"));
  };
  show();
  system.addEventListener("change", () => show());
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#theme")) return;
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("ai-usage-theme", other); } catch { /* shown, if not remembered */ }
    show(other);
  });
})();
