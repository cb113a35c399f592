// What every script with a real browser needs.
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** The browser that the test found. */
export const openBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
