// What each product brought, as a table whose bars are lengths of the same sum.

import type { RoomFigures } from "../gen/apricot/v1/ops_pb";
import { Amount } from "../parts/Amount";
import { useWords } from "../text";
import { hostText } from "./text";

export function ProductTable(props: { figures: RoomFigures; currency: string }) {
  const { count } = useWords();
  const h = hostText.use();
  const { figures, currency } = props;
  const products = [...figures.products].sort((a, b) => Number(b.gmvMinor - a.gmvMinor));
  const most = products.reduce((known, { gmvMinor }) => (gmvMinor > known ? gmvMinor : known), 1n);
  return (
    <section class="panel" aria-labelledby="products-sold-heading">
      <h2 id="products-sold-heading">{h.soldList.heading}</h2>
      {products.length === 0 && <p class="hint">{h.soldList.none}</p>}
      {products.length > 0 && (
        <table class="sold">
          <thead>
            <tr>
              <th scope="col">{h.soldList.product}</th>
              <th scope="col">{h.soldList.units}</th>
              <th scope="col">{h.soldList.gmv}</th>
              <th scope="col">{h.soldList.charity}</th>
            </tr>
          </thead>
          <tbody>
            {products.map((product) => (
              <tr key={product.sku}>
                <th scope="row">
                  <bdi>{product.title}</bdi>
                  <span class="sold-bar" aria-hidden="true">
                    <span style={{ width: `${(Number(product.gmvMinor) / Number(most)) * 100}%` }} />
                  </span>
                </th>
                <td>{count(product.unitsPaid)}</td>
                <td>
                  <Amount value={{ minor: product.gmvMinor, currency }} />
                  {product.refundedMinor > 0n && (
                    <span class="hint sold-back">
                      −<Amount value={{ minor: product.refundedMinor, currency }} />
                    </span>
                  )}
                </td>
                <td>
                  <Amount value={{ minor: product.charityMinor, currency }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
