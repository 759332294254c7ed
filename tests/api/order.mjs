// node order.mjs URL: a client that knows nothing but URL/openapi.json puts a product and money there
// and orders, by the operations' names. Prints the order.
import OpenAPIClientAxios from "openapi-client-axios";

const url = process.argv[2];
const api = new OpenAPIClientAxios.default({
  definition: `${url}/openapi.json`,
  axiosConfigDefaults: { baseURL: url, proxy: false },
});
const client = await api.init();
client.defaults.baseURL = url;
const product = await client.shop_inventories_create({}, { stockName: "TV", stockCount: 3, price: 7 });
await client.shop_pays_create({}, { userId: 5, payAmount: 100 });
const order = await client.shop_orders_create(
  {}, { productId: product.data.id, quantity: 2, userId: 5 });
const again = await client.shop_orders_get({ id: order.data.id });
console.log(JSON.stringify({ status: order.status, made: order.data, found: again.data }));
