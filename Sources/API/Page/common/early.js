// Before anything is painted, so that nothing flashes in the other theme.
try {
  const theme = localStorage.getItem("animato-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* Then the system's theme holds. */ }
