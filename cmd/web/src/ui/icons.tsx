/* A sign for each system, drawn in the colour of the text around it. */
const paths: Record<string, string> = {
  shop: "M4 7h16l-1.4 12.2H5.4L4 7Zm4.5 3V6.5a3.5 3.5 0 0 1 7 0V10",
  food: "M5 11.5h14a7 7 0 0 1-14 0ZM4 19.5h16M9 8.5c0-1.6 1.2-1.6 1.2-3.2M13 8.5c0-1.6 1.2-1.6 1.2-3.2",
  bike: "M6 19a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm12 0a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM6 15.5 9.5 8h6l2.5 7.5M9.5 8l3.5 7.5H6M15.5 8 14.6 5.5h2.6M8 8h3",
  secondhand: "M12.5 4H20v7.5L11.5 20 4 12.5 12.5 4Zm3.8 3.7h.01M4 4v4m0-4h4",
  dr: "M13 3 5.5 13.5H11L10 21l7.5-10.5H12L13 3Z",
};

export function SystemIcon({ name }: { name: string }) {
  return (
    <span class={`icon sys-${name}`} aria-hidden="true">
      <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">
        <path d={paths[name] ?? paths.shop!} />
      </svg>
    </span>
  );
}
