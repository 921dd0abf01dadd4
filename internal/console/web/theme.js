// The theme that was chosen here before, set before anything is painted. Without a choice the style sheet goes by the system's.
try {
  const chosen = localStorage.getItem("wsedge-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage may be switched off */ }
