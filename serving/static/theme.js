// Loaded before anything is drawn, so that a chosen theme never flashes.
try {
  const chosen = localStorage.getItem("trendhouse.theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden: the system's preference holds.
}
